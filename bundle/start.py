"""Runs before each program of a bundle: the environment, for what we start and for what we read.

PyInstaller puts the bundle's folders into LD_LIBRARY_PATH (its start program) and QT_PLUGIN_PATH (its preparation of Qt, which
also tells Qt directly). They have done their work by now; handed on, they would give our libraries to the browser or the file
manager that is asked to show a report.

OpenSSL looks for the certificates of trusted servers where the computer that made the bundle has them. Other systems have them
elsewhere, and without them no weights can be downloaded. (Windows has a store of its own, which Python asks.)
"""

import os

CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine
)

for name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH", "LD_LIBRARY_PATH"):
    os.environ.pop(name, None)
if (before := os.environ.pop("LD_LIBRARY_PATH_ORIG", None)) is not None:
    os.environ["LD_LIBRARY_PATH"] = before

if not os.environ.keys() & {"SSL_CERT_FILE", "SSL_CERT_DIR"}:
    for path in CERTIFICATES:
        if os.path.isfile(path):  # noqa: PTH113 - pathlib would be imported for this alone
            os.environ["SSL_CERT_FILE"] = path
            break
