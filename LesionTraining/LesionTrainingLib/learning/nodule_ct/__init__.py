"""The training recipe of ``nodule-ct``: two stages, one after the other (Dou et al., MICCAI 2017, section 3)."""
