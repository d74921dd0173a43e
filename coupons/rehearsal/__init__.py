"""A dress rehearsal of a campaign on the production configuration; see README.md."""
