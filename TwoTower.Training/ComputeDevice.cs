using TorchSharp;
using TwoTower.Core;

namespace TwoTower.Training;

/// <summary>Finds out what this build on this machine can compute with.</summary>
internal static class ComputeDevice
{
    /// <summary>The device of a training.</summary>
    /// <exception cref="InputException">CUDA was asked for and isn't there, or libtorch cannot be loaded; the message says why.</exception>
    public static DeviceType Choose(TrainingDevice wanted)
    {
        if (wanted == TrainingDevice.Cpu) return CheckLibrary(() => DeviceType.CPU);
        var available = CheckLibrary(torch.cuda_is_available);
        if (wanted == TrainingDevice.Cuda && !available)
        {
            throw new InputException(
                "Device cuda: libtorch sees no NVIDIA GPU. Either this build has no CUDA (build with -p:Cuda=true) or the driver or the GPU "
                + "is missing (nvidia-smi tells). Use device auto or cpu to train on the CPU.");
        }

        return available ? DeviceType.CUDA : DeviceType.CPU;
    }

    /// <summary>Loads libtorch and says what it can compute with. Throws what the loader throws where it doesn't load.</summary>
    public static string Describe()
    {
        using var one = torch.ones(1);
        return torch.cuda.is_available() ? $"{torch.cuda.device_count()} CUDA devices" : "CPU only";
    }

    /// <summary>Cores that compute on their own: a second hardware thread shares its core's arithmetic and only gets in the way.</summary>
    public static int PhysicalCores()
    {
        const string topology = "/sys/devices/system/cpu";
        if (!OperatingSystem.IsLinux() || !Directory.Exists(topology)) return Environment.ProcessorCount;
        var cores = new HashSet<string>();
        foreach (var cpu in Directory.EnumerateDirectories(topology, "cpu*"))
        {
            var siblings = Path.Combine(cpu, "topology", "thread_siblings_list");
            if (File.Exists(siblings)) cores.Add(File.ReadAllText(siblings).Trim());
        }

        // A container may be given fewer processors than the machine has cores.
        return cores.Count == 0 ? Environment.ProcessorCount : Math.Min(cores.Count, Environment.ProcessorCount);
    }

    private static T CheckLibrary<T>(Func<T> use)
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            return use();
        }
        catch (Exception e) when (e is NotSupportedException or DllNotFoundException or TypeInitializationException)
        {
            throw new InputException(
                $"libtorch cannot be loaded on this machine: {(e.InnerException ?? e).Message.Split('\n')[0]} On Linux it needs glibc 2.34 or newer, "
                + "so Debian 12 or Ubuntu 22.04 at least, on x86-64.", e);
        }
    }
}
