"""The pages of a case's record and its moves: incidents, suspects, the law's steps, outreach, who leads, how it ends and goes on."""
