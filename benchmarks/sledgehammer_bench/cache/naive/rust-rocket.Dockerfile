FROM rust:1.85-slim
WORKDIR /app
COPY . .
RUN cargo build --release --locked
ENV ROCKET_ADDRESS=0.0.0.0
EXPOSE 8000
CMD ["target/release/rust-rocket"]
