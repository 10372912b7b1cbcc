"""Several models on one task: cascade, ensemble and race, priced and reserved before they start."""
