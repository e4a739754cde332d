"""Work that runs at the times of cron expressions. Intervals belong to timers."""
