"""Business days against the providers' statements: reads only; `services.close_day` closes one."""
