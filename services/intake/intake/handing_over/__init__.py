"""A survivor's safe contact: kept at intake, and handed over to notifications sealed to its key, again and again until it is taken."""
