"""Wake-up messages to the workers, by Celery."""
