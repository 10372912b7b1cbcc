"""What is believed of a rate of success: Beta distributions, compared and pooled; pure."""
