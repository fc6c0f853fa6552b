FROM python:3.13-slim
WORKDIR /app
COPY . .
RUN python -m venv venv && venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
EXPOSE 8080
CMD ["venv/bin/uvicorn", "service:app", "--host", "0.0.0.0", "--port", "8080"]
