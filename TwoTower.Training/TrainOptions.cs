using Npgsql;
using TwoTower.Core.Configuration;
using TwoTower.Core.Rows;
using TwoTower.Training.Loop;

namespace TwoTower.Training;

/// <summary>One training: what is read, how it is trained, where it goes.</summary>
internal sealed record TrainOptions
{
    /// <summary>What and how to train.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>
    /// A migrated database: tables, and with <c>use_rpc_features</c> the payloads too, are read from it, and the release is registered
    /// there.
    /// </summary>
    public NpgsqlDataSource? Database { get; init; }

    /// <summary>Rows in memory; used instead of the database's where given. Payloads are then always computed in process.</summary>
    public TableSet? Tables { get; init; }

    /// <summary>Where the arithmetic runs.</summary>
    public TrainingDevice Device { get; init; } = TrainingDevice.Auto;

    /// <summary>Threads of the arithmetic; 0 = one a physical core. Another number gives other roundings, so other bytes.</summary>
    public int Threads { get; init; }

    /// <summary>The checkpoint, written after each epoch; null writes none.</summary>
    public string? CheckpointPath { get; init; }

    /// <summary>Whether it goes on from the checkpoint.</summary>
    public Resumption Resume { get; init; } = Resumption.Never;

    /// <summary>Register a release in <see cref="Database"/> in the end.</summary>
    public bool Register { get; init; } = true;

    /// <summary>Which shortcuts the CPU may take; a GPU takes none.</summary>
    public Shortcuts Shortcuts { get; init; } = Shortcuts.SharedDropout;

    /// <summary>Told in one line each what is about to happen or was decided.</summary>
    public Action<string>? Say { get; init; }

    /// <summary>Clock of rates and of the release's date.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>When a training goes on from a checkpoint instead of starting from the beginning.</summary>
internal enum Resumption
{
    /// <summary>It starts from the beginning.</summary>
    Never,

    /// <summary>
    /// It goes on where an interrupted training of the same settings and data is there (more epochs or patience than that had are fine).
    /// One that differs, or can't be read, is named with the reason, and not resumed.
    /// </summary>
    IfInterrupted,

    /// <summary>It goes on, also from a finished training where more epochs (or, if it stopped early, more patience) are wanted, or
    /// fails.</summary>
    Required,
}

/// <summary>Where the arithmetic runs.</summary>
internal enum TrainingDevice
{
    /// <summary>A GPU if this build and this machine have one, else the CPU.</summary>
    Auto,

    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU; without one training doesn't start.</summary>
    Cuda,
}
