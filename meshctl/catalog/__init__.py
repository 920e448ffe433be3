"""What a team may write: entries of a catalog, read with their positions and typed."""
