"""What a service keeps: transactions with inbox and outbox, clocks, keys."""
