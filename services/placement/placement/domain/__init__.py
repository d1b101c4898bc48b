"""The rules of placement: which home suits a household, who sleeps in which bed, and what follows from what is said of a case."""
