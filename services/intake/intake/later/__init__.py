"""What an agency says of its case later: it knows more, takes its referral back, or keeps a document."""
