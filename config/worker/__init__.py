"""What a Celery worker needs beside Celery: signs of life, a watchdog, its own health page,
and bounds on what waits at the broker.
"""
