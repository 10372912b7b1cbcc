"""Who calls over HTTP, and what they may: grants, the tokens behind them, and their rates."""
