"""Work that repeats after an interval. Cron expressions belong to schedules."""
