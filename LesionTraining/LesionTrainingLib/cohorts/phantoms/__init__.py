"""Computer-made patients with exact truth: seeded anatomy, lesions, things that look like lesions, and a scanner."""
