namespace TwoTower.Postgres.Connections;

/// <summary>A server and one of its databases.</summary>
/// <param name="Version">Version of PostgreSQL, such as 17.2.</param>
/// <param name="Database">Name of the database.</param>
/// <param name="VectorVersion">Installed version of pgvector; null when it isn't installed yet.</param>
/// <param name="AvailableVectorVersion">Version of pgvector that the server can install; null when it has none.</param>
/// <param name="VectorSchema">Schema with pgvector's types, quoted where needed; null when it isn't installed yet.</param>
internal sealed record ServerInfo(
    Version Version, string Database, Version? VectorVersion, Version? AvailableVectorVersion, string? VectorSchema);
