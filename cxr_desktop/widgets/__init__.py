"""Parts of pages: each shows one thing and knows no page."""
