"""The pages of consent and of a person's rights: what may be shared, with whom, how she is reached, who learns nothing of her, what she asks for."""
