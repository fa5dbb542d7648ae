using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;

namespace TwoTower.Postgres.Entities;

/// <summary>
/// The tables as entities, for queries and small writes: those of schema public here, those of the registry
/// (<c>Set&lt;Release&gt;()</c>, …) mapped in the folders that own them. <c>sql/</c> owns the schema: there are no EF migrations, and a
/// test holds the two together. Bulk work, functions and the request path are SQL (docs/decisions/database-access.md).
/// </summary>
/// <param name="options">As <see cref="Options"/> makes them.</param>
internal class TwoTowerDb(DbContextOptions<TwoTowerDb> options) : DbContext(options)
{
    /// <summary>Users.</summary>
    public DbSet<Profile> Profiles => Set<Profile>();

    /// <summary>Videos.</summary>
    public DbSet<Video> Videos => Set<Video>();

    /// <summary>Tags of videos, where they are flat.</summary>
    public DbSet<VideoTag> VideoTags => Set<VideoTag>();

    /// <summary>Performers of videos, where they are flat.</summary>
    public DbSet<VideoPerformer> VideoPerformers => Set<VideoPerformer>();

    /// <summary>Tags of videos by name, in both shapes.</summary>
    public DbSet<VideoTagName> VideoTagNames => Set<VideoTagName>();

    /// <summary>Performers of videos by name, in both shapes.</summary>
    public DbSet<VideoPerformerName> VideoPerformerNames => Set<VideoPerformerName>();

    /// <summary>Likes and nopes.</summary>
    public DbSet<UserVideoDecision> UserVideoDecisions => Set<UserVideoDecision>();

    /// <summary>The original's table of video embeddings.</summary>
    public DbSet<VideoEmbedding> VideoEmbeddings => Set<VideoEmbedding>();

    /// <summary>The original's table of user embeddings.</summary>
    public DbSet<UserEmbedding> UserEmbeddings => Set<UserEmbedding>();

    /// <summary>
    /// A context for one unit of work, on a connection of the data source's pool, with its types and its telemetry. What it reads isn't
    /// tracked.
    /// </summary>
    public static TwoTowerDb Open(NpgsqlDataSource db)
    {
        ArgumentNullException.ThrowIfNull(db);

        // By its connection, not by the data source: EF Core keeps a service provider and a model for each data source it is given.
        var builder = new DbContextOptionsBuilder<TwoTowerDb>();
        Name(builder.UseNpgsql(db.CreateConnection(), contextOwnsConnection: true, Provide));
        return new(builder.Options);
    }

    /// <summary>Options of a context over a data source.</summary>
    public static DbContextOptions<TwoTowerDb> Options(NpgsqlDataSource db) =>
        Configure(new DbContextOptionsBuilder<TwoTowerDb>(), db).Options;

    /// <summary>Adds the provider, pgvector and the naming to options, as dependency injection wants it.</summary>
    public static TBuilder Configure<TBuilder>(TBuilder builder, NpgsqlDataSource db) where TBuilder : DbContextOptionsBuilder
    {
        Name(builder.UseNpgsql(db, Provide));
        return builder;
    }

    /// <inheritdoc />
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema("public");
        modelBuilder.Entity<Profile>(profile =>
        {
            profile.ToTable("profiles");
            profile.HasKey(row => row.UserId);
        });
        modelBuilder.Entity<Video>(video =>
        {
            video.ToTable("videos");
            video.HasKey(row => row.Id);
            video.Property(row => row.ImageUrls).HasColumnType("jsonb");
        });
        modelBuilder.Entity<VideoTag>(tag =>
        {
            tag.ToTable("video_tags");
            tag.HasKey(row => new { row.VideoId, row.TagName });
            tag.HasOne<Video>().WithMany().HasForeignKey(row => row.VideoId);
        });
        modelBuilder.Entity<VideoPerformer>(performer =>
        {
            performer.ToTable("video_performers");
            performer.HasKey(row => new { row.VideoId, row.PerformerName });
            performer.HasOne<Video>().WithMany().HasForeignKey(row => row.VideoId);
        });
        modelBuilder.Entity<VideoTagName>().ToView("video_tag_names", "two_tower").HasNoKey();
        modelBuilder.Entity<VideoPerformerName>().ToView("video_performer_names", "two_tower").HasNoKey();
        modelBuilder.Entity<UserVideoDecision>(decision =>
        {
            decision.ToTable("user_video_decisions");
            decision.HasKey(row => new { row.UserId, row.VideoId, row.DecisionType, row.CreatedAt });
        });
        modelBuilder.Entity<VideoEmbedding>(embedding =>
        {
            embedding.ToTable("video_embeddings");
            embedding.HasKey(row => row.VideoId);
            embedding.Property(row => row.Embedding).HasColumnType("vector(256)");
        });
        modelBuilder.Entity<UserEmbedding>(embedding =>
        {
            embedding.ToTable("user_embeddings");
            embedding.HasKey(row => row.UserId);
            embedding.Property(row => row.Embedding).HasColumnType("vector(256)");
        });
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(TwoTowerDb).Assembly);
    }

    // No second try: a transition that was asked for once is made once, and whoever asks again says so. Npgsql's own strategy also wraps
    // what is passing in another exception, behind which nobody would find it.
    private static void Provide(NpgsqlDbContextOptionsBuilder npgsql) =>
        npgsql.UseVector().ExecutionStrategy(dependencies => new NonRetryingExecutionStrategy(dependencies));

    private static void Name(DbContextOptionsBuilder builder) =>
        builder.UseSnakeCaseNamingConvention().UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking);
}
