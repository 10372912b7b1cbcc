"""How good an answer is, and what several answers agree on; pure functions of their texts."""
