"""What is useful with some systems only."""
