"""Radiomics: what the numbers of a lesion say of how its patient fares, told from patients that were not learned from."""
