"""Parts of the Train page: what is chosen before, and the runs."""
