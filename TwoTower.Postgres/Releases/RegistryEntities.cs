using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace TwoTower.Postgres.Releases;

/// <summary>A row of <c>two_tower.release_files</c>.</summary>
internal sealed class ReleaseFileEntity
{
    public required long ReleaseId { get; init; }

    public required string Path { get; init; }

    public required string Sha256 { get; init; }

    public required long Size { get; init; }

    /// <summary>Null: freed.</summary>
    public required byte[]? Content { get; init; }
}

/// <summary>The row of <c>two_tower.active_release</c>: the pointer to what is served.</summary>
internal sealed class ActivePointer
{
    public bool Singleton { get; init; }

    public long? ReleaseId { get; init; }

    public long? ActivationId { get; init; }

    public DateTimeOffset? ActivatedAt { get; init; }
}

/// <summary>A row of <c>two_tower.release_pins</c>.</summary>
internal sealed class ReleasePin
{
    public required long ReleaseId { get; init; }

    public DateTimeOffset At { get; init; }

    public required string Actor { get; init; }

    public string? Reason { get; init; }
}

/// <summary>The tables of the registry. Times that are left out are the database's.</summary>
internal sealed class RegistryEntities :
    IEntityTypeConfiguration<Release>, IEntityTypeConfiguration<ReleaseFileEntity>, IEntityTypeConfiguration<ReleaseTransition>,
    IEntityTypeConfiguration<RecordedActivation>, IEntityTypeConfiguration<ActivePointer>, IEntityTypeConfiguration<ReleasePin>
{
    private const string Schema = "two_tower", Clock = "clock_timestamp()";

    public void Configure(EntityTypeBuilder<Release> builder)
    {
        builder.ToTable("releases", Schema);
        builder.HasKey(release => release.Id);
        builder.Property(release => release.Id).HasColumnName("release_id").UseIdentityAlwaysColumn();
        builder.Property(release => release.State).HasConversion(state => ReleaseRow.Name(state), name => ReleaseRow.State(name));
        builder.Property(release => release.StateAt).HasDefaultValueSql(Clock);
        builder.Property(release => release.Imported).HasColumnName("origin")
            .HasConversion(imported => imported ? "imported" : "trained", origin => origin == "imported");
        builder.Property(release => release.VectorType)
            .HasConversion(type => ReleaseRow.Name(type), name => name == "halfvec" ? VectorType.HalfVec : VectorType.Vector);
        builder.Property(release => release.Config).HasColumnType("jsonb");
        builder.Property(release => release.Metrics).HasColumnType("jsonb");
        builder.Property(release => release.CreatedAt).HasDefaultValueSql(Clock);
        builder.Property(release => release.TraceParent).HasColumnName("traceparent");
    }

    public void Configure(EntityTypeBuilder<ReleaseFileEntity> builder)
    {
        builder.ToTable("release_files", Schema);
        builder.HasKey(file => new { file.ReleaseId, file.Path });
        builder.HasOne<Release>().WithMany().HasForeignKey(file => file.ReleaseId);
    }

    public void Configure(EntityTypeBuilder<ReleaseTransition> builder)
    {
        builder.ToTable("release_transitions", Schema);
        builder.Property<long>(Keys.Transition).UseIdentityAlwaysColumn();
        builder.HasKey(Keys.Transition);
        builder.Property<long>(Keys.Release);
        builder.Property<string>(Keys.Version).IsRequired();
        builder.Property(transition => transition.From).HasColumnName("from_state")
            .HasConversion(state => ReleaseRow.Name(state!.Value), name => ReleaseRow.State(name));
        builder.Property(transition => transition.To).HasColumnName("to_state")
            .HasConversion(state => ReleaseRow.Name(state), name => ReleaseRow.State(name));
    }

    public void Configure(EntityTypeBuilder<RecordedActivation> builder)
    {
        builder.ToTable("activations", Schema);
        builder.HasKey(activation => activation.Id);
        builder.Property(activation => activation.Id).HasColumnName("activation_id").UseIdentityAlwaysColumn();
        builder.Property<long>(Keys.Release);
        builder.Property<long?>("PreviousReleaseId");
        builder.Property(activation => activation.Previous).HasColumnName("previous_model_version");
        builder.Property(activation => activation.Undid).HasColumnName("undid_activation_id");
        builder.Property(activation => activation.Numbers).HasColumnType("jsonb");
    }

    public void Configure(EntityTypeBuilder<ActivePointer> builder)
    {
        builder.ToTable("active_release", Schema);
        builder.HasKey(pointer => pointer.Singleton);
    }

    public void Configure(EntityTypeBuilder<ReleasePin> builder)
    {
        builder.ToTable("release_pins", Schema);
        builder.HasKey(pin => pin.ReleaseId);
        builder.Property(pin => pin.At).HasDefaultValueSql(Clock);
    }

    /// <summary>Columns that the records of the registry do without.</summary>
    internal static class Keys
    {
        public const string Transition = "TransitionId", Release = "ReleaseId", Version = "ModelVersion";
    }
}
