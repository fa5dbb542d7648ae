using TwoTower.LocalPostgres;

namespace TwoTower.AppHost;

/// <summary>A database on this machine that runs already and outlives the application: a row of its own in the dashboard.</summary>
/// <param name="name">The name of the resource and of the connection string.</param>
/// <param name="server">Where it is.</param>
internal sealed class LocalPostgresResource(string name, ProvidedPostgres server) : Resource(name), IResourceWithConnectionString
{
    /// <inheritdoc />
    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{server.ConnectionString}");
}
