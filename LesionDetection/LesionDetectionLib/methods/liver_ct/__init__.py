"""Lesions of the liver in CT, by three detectors (Aluko, Hari & Yakubenko, Stanford 2018)."""
