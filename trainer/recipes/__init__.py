"""The named starting points for training, one TOML file each: what differs from the defaults, and an honest paragraph."""
