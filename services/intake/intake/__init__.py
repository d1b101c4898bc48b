"""Takes every report, opens the case, triages it and keeps its state."""
