"""A search of settings for any recipe: several fits with other settings, one measure, the best of them."""
