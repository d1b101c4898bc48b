"""What an agency is told over HTTP: its feed by position, as it comes, and where all its cases stand at one position."""
