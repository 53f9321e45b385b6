"""Everything that CXR Desktop does with radiographs and networks, without a window. See docs/architecture.md."""

__version__ = "0.1.0"
