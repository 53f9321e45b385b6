"""The window of CXR Desktop. It holds no truth: it edits a configuration, starts a command and looks at files."""
