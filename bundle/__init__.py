"""The bundle for computers without Python: what goes into it, its licences, and the proof that it works. See docs/bundle.md."""
