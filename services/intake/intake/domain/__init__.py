"""What intake decides: where a case stands, how great the risk is at least, who leads, and whether what was submitted can be."""
