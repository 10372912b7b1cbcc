"""The network: three wire formats over httpx2, and nothing else."""
