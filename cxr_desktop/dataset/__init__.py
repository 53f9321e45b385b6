"""Parts of the Dataset page, and what it opens: the import, the split, the details of images."""
