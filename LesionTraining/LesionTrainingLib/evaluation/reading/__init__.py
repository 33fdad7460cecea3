"""Truth and marks as each field keeps them (lists, folders, cohorts), read into what the matcher takes."""
