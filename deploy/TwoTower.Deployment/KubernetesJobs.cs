using System.Globalization;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace TwoTower.Deployment;

/// <summary>Turns the deployment that the publisher makes of a process into a job, keeping its pod as it is.</summary>
internal static class KubernetesJobs
{
    /// <summary>A job that Helm runs, and waits for, before it installs or upgrades anything else.</summary>
    /// <param name="resource">What the publisher made of the process.</param>
    /// <param name="databaseInChart">The database is a part of the chart: on the first installation it must be there before.</param>
    public static void AsSetup(KubernetesResource resource, bool databaseInChart)
    {
        var moment = databaseInChart ? "post-install,pre-upgrade" : "pre-install,pre-upgrade";
        var job = new Job();
        Take(resource, job.Metadata, job.Spec);
        resource.Workload = job;

        // What the pod reads must be there before it: hooks run in the order of their weight.
        AsHook(job.Metadata, moment, weight: 0);
        foreach (var read in new BaseKubernetesResource?[] { resource.ConfigMap, resource.Secret })
        {
            if (read is not null)
            {
                AsHook(read.Metadata, moment, weight: -5);
            }
        }
    }

    /// <summary>A job that the cluster starts by the clock (UTC), never two at once.</summary>
    public static void OnSchedule(KubernetesResource resource, string schedule, int limitSeconds, bool gpu)
    {
        var job = new CronJob { Spec = { Schedule = schedule } };
        Take(resource, job.Metadata, job.Spec.JobTemplate.Spec);
        job.Spec.JobTemplate.Spec.ActiveDeadlineSeconds = limitSeconds;
        resource.Workload = job;
        if (gpu)
        {
            foreach (var container in job.PodTemplate.Spec.Containers)
            {
                (container.Resources ??= new ResourceRequirementsV1()).Limits["nvidia.com/gpu"] = "1";
            }
        }
    }

    /// <summary>A gigabyte of /dev/shm from the node's memory.</summary>
    public static void WithSharedMemory(KubernetesResource resource)
    {
        if (resource.Workload?.PodTemplate.Spec is not { } pod)
        {
            return;
        }

        pod.Volumes.Add(new VolumeV1 { Name = "shared-memory", EmptyDir = new EmptyDirVolumeSourceV1 { Medium = "Memory", SizeLimit = "1Gi" } });
        foreach (var container in pod.Containers)
        {
            container.VolumeMounts.Add(new VolumeMountV1 { Name = "shared-memory", MountPath = "/dev/shm" });
        }
    }

    /// <summary>Kubernetes knows the probes' schemes in capitals only; the publisher writes the endpoint's own, in small letters.</summary>
    public static void WithValidProbes(KubernetesResource resource)
    {
        foreach (var container in resource.Workload?.PodTemplate.Spec.Containers ?? [])
        {
            foreach (var probe in new[] { container.LivenessProbe, container.ReadinessProbe, container.StartupProbe })
            {
                if (probe?.HttpGet is { Scheme: { } scheme } get)
                {
                    get.Scheme = scheme.ToUpperInvariant();
                }
            }
        }
    }

    private static void Take(KubernetesResource resource, ObjectMetaV1 metadata, JobSpec spec)
    {
        var deployment = resource.Workload
            ?? throw new InvalidOperationException($"the Kubernetes publisher made no workload of '{resource.Name}'");
        metadata.Name = deployment.Metadata.Name.Replace("-deployment", "-job", StringComparison.Ordinal);
        metadata.Labels = deployment.Metadata.Labels;
        spec.Template = deployment.PodTemplate;
        spec.Template.Spec.RestartPolicy = "Never";
    }

    private static void AsHook(ObjectMetaV1 metadata, string moment, int weight)
    {
        metadata.Annotations["helm.sh/hook"] = moment;
        metadata.Annotations["helm.sh/hook-weight"] = weight.ToString(CultureInfo.InvariantCulture);
        metadata.Annotations["helm.sh/hook-delete-policy"] = "before-hook-creation";
    }
}

/// <summary>batch/v1 Job, which the publisher's own model doesn't have.</summary>
internal sealed class Job() : Workload("batch/v1", "Job")
{
    public JobSpec Spec { get; set; } = new();

    public override PodTemplateSpecV1 PodTemplate => Spec.Template;
}

/// <summary>batch/v1 CronJob, likewise.</summary>
internal sealed class CronJob() : Workload("batch/v1", "CronJob")
{
    public CronJobSpec Spec { get; set; } = new();

    public override PodTemplateSpecV1 PodTemplate => Spec.JobTemplate.Spec.Template;
}

/// <summary>How one run is tried.</summary>
internal sealed class JobSpec
{
    public int BackoffLimit { get; set; } = 1;

    public int? ActiveDeadlineSeconds { get; set; }

    public PodTemplateSpecV1 Template { get; set; } = new();
}

/// <summary>When runs happen.</summary>
internal sealed class CronJobSpec
{
    public string Schedule { get; set; } = "";

    public string ConcurrencyPolicy { get; set; } = "Forbid";

    public int SuccessfulJobsHistoryLimit { get; set; } = 3;

    public int FailedJobsHistoryLimit { get; set; } = 3;

    public JobTemplate JobTemplate { get; set; } = new();
}

/// <summary>What a run is.</summary>
internal sealed class JobTemplate
{
    public JobSpec Spec { get; set; } = new();
}
