"""What a Celery worker needs beside Celery: heartbeats, a watchdog, a health page of its own,
and limits on the messages that wait at the broker.
"""
