"""What programs ask the running control plane; thin."""
