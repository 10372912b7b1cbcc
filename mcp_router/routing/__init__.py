"""Pure decisions: a prompt in, a classification, filtered and scored candidates, a decision out."""
