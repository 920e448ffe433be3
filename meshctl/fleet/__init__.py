"""Who is connected, and what each node has acknowledged."""
