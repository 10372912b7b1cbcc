"""Analysis of what the store recorded: spending, forecasts, savings, reliability, quality."""
