FROM node:20-slim
WORKDIR /app
COPY . .
RUN npm ci --omit=dev --no-audit --no-fund
EXPOSE 3000
CMD ["node", "server.js"]
