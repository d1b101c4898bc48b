"""What officers chose to be told beside what they must hear, and the one statement that tells ten thousand of them."""
