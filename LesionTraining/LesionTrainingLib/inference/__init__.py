"""A cohort's inference: one detector, many cases, over the processes of one machine or of many."""
