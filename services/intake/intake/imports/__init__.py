"""Reports that come as a file: kept sealed in parts, worked off part by part, and destroyed."""
