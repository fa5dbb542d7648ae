using HealthChecks.NpgSql;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Entities;
using TwoTower.ServiceDefaults.Health;

namespace TwoTower.ServiceDefaults.Database;

/// <summary>The database registration: data source, health, traces, metrics, contexts of EF Core.</summary>
public static class TwoTowerDatabaseExtensions
{
    /// <summary>The settings section, which is Aspire.Npgsql's.</summary>
    public const string Section = "Aspire:Npgsql";

    /// <summary>
    /// Registers a pooled <see cref="NpgsqlDataSource"/> that knows pgvector's types. Why this isn't Aspire.Npgsql itself:
    /// <c>docs/decisions/database-registration.md</c>.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="connectionName">Name under <c>ConnectionStrings</c>; the AppHost calls it <c>twotower</c>.</param>
    /// <param name="configureSettings">Has the last word on the settings.</param>
    /// <param name="configureDataSourceBuilder">Has the last word on the data source.</param>
    /// <exception cref="InputException">No connection string; the message has the configuration paths that were read.</exception>
    public static TBuilder AddTwoTowerDatabase<TBuilder>(
        this TBuilder builder,
        string connectionName,
        Action<TwoTowerDatabaseSettings>? configureSettings = null,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        var settings = Bind(builder.Configuration, connectionName);
        configureSettings?.Invoke(settings);
        var connectionString = Validate(settings.ConnectionString, connectionName);

        builder.Services.AddNpgsqlDataSource(connectionString, dataSource =>
        {
            dataSource.UseVector();
            configureDataSourceBuilder?.Invoke(dataSource);
        });

        // Queries of EF Core try again when a connection breaks; a transaction of one's own goes through its execution strategy.
        builder.Services.AddDbContextFactory<TwoTowerDb>((services, options) => TwoTowerDb
            .Configure(options, services.GetRequiredService<NpgsqlDataSource>())
            .UseNpgsql(npgsql => npgsql.EnableRetryOnFailure()));

        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                "database",
                services => new NpgSqlHealthCheck(new NpgSqlHealthCheckOptions(services.GetRequiredService<NpgsqlDataSource>())),
                HealthStatus.Unhealthy,
                [HealthTags.Ready],
                TimeSpan.FromSeconds(5)));
            builder.Services.AddHealthChecks()
                .Add(new HealthCheckRegistration(
                    "schema", services => services.GetRequiredService<SchemaHealthCheck>(),
                    HealthStatus.Unhealthy, [HealthTags.Ready], TimeSpan.FromSeconds(10)))
                .Add(new HealthCheckRegistration(
                    "release", ActivatorUtilities.GetServiceOrCreateInstance<ReleaseHealthCheck>,
                    HealthStatus.Degraded, [HealthTags.Ready], TimeSpan.FromSeconds(5)));
            builder.Services.TryAddSingleton<SchemaHealthCheck>();
        }

        if (!settings.DisableTracing)
        {
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddNpgsql());
        }

        if (!settings.DisableMetrics)
        {
            builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddNpgsqlInstrumentation());
        }

        return builder;
    }

    /// <summary>
    /// Registers a further pooled data source to the same database under a key, of which nothing is opened before it is used: for work that
    /// isn't to share the limits of the first one.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="connectionName">Name under <c>ConnectionStrings</c>.</param>
    /// <param name="serviceKey">The key.</param>
    /// <exception cref="InputException">No connection string; the message has the configuration paths that were read.</exception>
    public static TBuilder AddKeyedTwoTowerDatabase<TBuilder>(this TBuilder builder, string connectionName, object serviceKey)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        var connectionString = Validate(Bind(builder.Configuration, connectionName).ConnectionString, connectionName);
        builder.Services.AddNpgsqlDataSource(connectionString, dataSource => dataSource.UseVector(), serviceKey: serviceKey);
        return builder;
    }

    private static TwoTowerDatabaseSettings Bind(IConfiguration configuration, string connectionName)
    {
        var settings = new TwoTowerDatabaseSettings();
        var section = configuration.GetSection(Section);
        section.Bind(settings);
        section.GetSection(connectionName).Bind(settings);
        if (configuration.GetConnectionString(connectionName) is { Length: > 0 } connectionString)
        {
            settings.ConnectionString = connectionString;
        }

        return settings;
    }

    private static string Validate(string? connectionString, string connectionName)
    {
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            throw new InputException(
                $"no connection string for the database: set 'ConnectionStrings:{connectionName}' (environment: " +
                $"ConnectionStrings__{connectionName}), or 'ConnectionString' in the section '{Section}:{connectionName}' or '{Section}'");
        }

        try
        {
            return Postgres.Connections.Database.Normalize(connectionString).ConnectionString;
        }
        catch (InputException e)
        {
            throw new InputException($"'ConnectionStrings:{connectionName}': {e.Message}", e);
        }
    }
}
